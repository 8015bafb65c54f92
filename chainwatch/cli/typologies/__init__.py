"""Commands about typologies: shapes of payments that laundering has, beside their benign twins."""
