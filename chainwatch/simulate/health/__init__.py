"""Markets on which people buy substances, week by week, and what comes of it."""
