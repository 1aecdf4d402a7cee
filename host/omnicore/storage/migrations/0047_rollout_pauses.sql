-- Rollouts that rest at their share: since when (NULL: it goes on), and how long the present step has rested before.

ALTER TABLE plugin_rollouts ADD COLUMN paused_at REAL;

ALTER TABLE plugin_rollouts ADD COLUMN paused_s REAL NOT NULL DEFAULT 0;
