-- The order of events that all hosts on a database have in common.

CREATE TABLE event_feed (seq INTEGER PRIMARY KEY, event TEXT NOT NULL);
