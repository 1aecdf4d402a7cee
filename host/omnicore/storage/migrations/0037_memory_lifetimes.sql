-- Words of forgotten memories leave the full text at a time of their own; what matters most of knowledge stays.
-- `clean_from`: when the full text of a space is cleaned next; NULL when it holds nothing of what is gone.

ALTER TABLE memory_spaces ADD COLUMN clean_from REAL;

UPDATE memories SET expires_at = NULL WHERE tier IN (4, 5) AND importance >= 0.9 AND state < 2;
