-- Keys and values of plugins, with totals that triggers keep.
-- Keys are stored as UTF-8 blobs, so that a prefix is a plain range of bytes. The totals are kept by triggers:
-- whatever way an entry comes or goes, quota questions cost one row. `sequence` only grows, so that a version is
-- never given out twice, even when a key is deleted and written again.

CREATE TABLE kv (
    plugin TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    version INTEGER NOT NULL,
    expires_at REAL,
    PRIMARY KEY (plugin, key)
);

CREATE INDEX kv_expiry ON kv (plugin, expires_at) WHERE expires_at IS NOT NULL;

-- only sqlite:

CREATE TABLE kv_totals (plugin TEXT PRIMARY KEY, bytes INTEGER NOT NULL, keys INTEGER NOT NULL,
    sequence INTEGER NOT NULL) WITHOUT ROWID;

CREATE TRIGGER kv_added AFTER INSERT ON kv BEGIN UPDATE kv_totals SET keys = keys + 1, bytes = bytes +
    length(new.key) + length(new.value) WHERE plugin = new.plugin; END;

CREATE TRIGGER kv_changed AFTER UPDATE OF value ON kv BEGIN UPDATE kv_totals SET bytes = bytes +
    length(new.value) - length(old.value) WHERE plugin = new.plugin; END;

CREATE TRIGGER kv_gone AFTER DELETE ON kv BEGIN UPDATE kv_totals SET keys = keys - 1, bytes = bytes -
    length(old.key) - length(old.value) WHERE plugin = old.plugin; END;

-- only postgresql:

CREATE TABLE kv_totals (plugin TEXT COLLATE "C" PRIMARY KEY, bytes BIGINT NOT NULL, keys BIGINT NOT NULL,
    sequence BIGINT NOT NULL);

CREATE FUNCTION kv_count() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP <> 'INSERT' THEN
            UPDATE kv_totals SET keys = keys - 1, bytes = bytes - length(old.key) - length(old.value)
            WHERE plugin = old.plugin;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            UPDATE kv_totals SET keys = keys + 1, bytes = bytes + length(new.key) + length(new.value)
            WHERE plugin = new.plugin;
        END IF;
        RETURN NULL;
END $$;

CREATE TRIGGER kv_counted AFTER INSERT OR DELETE OR UPDATE OF value ON kv FOR EACH ROW EXECUTE FUNCTION kv_count();
