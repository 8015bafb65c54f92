"""Following value: policies, the walk, and the reasons why it ends."""
