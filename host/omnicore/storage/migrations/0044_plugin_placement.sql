-- The labels of the hosts that are to serve a plugin; NULL: every host does.

ALTER TABLE plugins ADD COLUMN placement TEXT;
