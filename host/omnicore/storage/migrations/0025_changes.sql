-- The number by which PostgreSQL's processes see that another one has written. In place of a table of one row, which all
-- writers had to wait for. A process of an older version, which relies on one writer at a time among all, fails at its
-- next write.

-- only postgresql:
DROP TABLE IF EXISTS changes;

CREATE SEQUENCE change_numbers;
