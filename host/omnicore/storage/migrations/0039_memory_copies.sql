-- Tokens of the files that hold a space's index. A file whose token is not here is of another database, or of a time
-- that a restored backup has undone. A column of the space and no table of its own: whoever removes a space removes it.

ALTER TABLE memory_spaces ADD COLUMN copies TEXT NOT NULL DEFAULT '';
