"""Who sells under which names on which markets: by key, by contact, and by name as a lead."""
