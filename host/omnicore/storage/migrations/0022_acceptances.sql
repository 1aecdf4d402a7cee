-- The code that was accepted for each plugin's name.
-- A version is its bytes and the manifest beside them, which may ask for more than the bytes do. `publisher` is
-- the key that signed it; nothing signs yet. `unheld` says that nothing was kept for the name, so that nobody was
-- asked.
-- What a version serves with today goes on, as if somebody had granted it.

CREATE TABLE acceptances (
    plugin TEXT,
    number INTEGER,
    hash TEXT NOT NULL,
    sidecar TEXT,
    publisher TEXT,
    unheld INTEGER NOT NULL,
    who TEXT NOT NULL,
    at REAL NOT NULL,
    PRIMARY KEY (plugin, number)
);

-- only sqlite:

ALTER TABLE plugins ADD COLUMN sidecar TEXT;

-- only postgresql:

ALTER TABLE plugins ADD COLUMN sidecar TEXT;

-- both:

UPDATE plugins SET sidecar = (SELECT s.sidecar FROM version_sidecars AS s WHERE s.plugin = plugins.name AND
    s.hash = plugins.hash);

INSERT INTO acceptances (plugin, number, hash, sidecar, publisher, unheld, who, at) SELECT p.name, 1, p.serving,
    s.sidecar, NULL, 0, 'before review', p.changed_at FROM plugins AS p LEFT JOIN version_sidecars AS s ON
    s.plugin = p.name AND s.hash = p.serving WHERE p.serving IS NOT NULL;

-- only sqlite:

INSERT INTO grants (plugin, capability, scope, granted_by, granted_at) SELECT p.name, 'limits',
    json_extract(v.manifest, '$.limits'), 'before review', p.changed_at FROM plugins AS p JOIN versions AS v ON
    v.plugin = p.name AND v.hash = p.serving WHERE json_extract(v.manifest, '$.limits') IS NOT NULL;

-- only postgresql:

INSERT INTO grants (plugin, capability, scope, granted_by, granted_at) SELECT p.name, 'limits', (CAST(v.manifest
    AS json) ->> 'limits'), 'before review', p.changed_at FROM plugins AS p JOIN versions AS v ON v.plugin =
    p.name AND v.hash = p.serving WHERE (CAST(v.manifest AS json) ->> 'limits') IS NOT NULL;
