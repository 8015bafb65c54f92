"""What rules on joint transactions read: equal outputs, who may fund them, and known shapes."""
