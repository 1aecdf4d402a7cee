-- Events that wait for a host on which the plugin that subscribed to them can be loaded.

CREATE TABLE event_deliveries (
  subscription TEXT NOT NULL,
  event TEXT NOT NULL,
  at REAL NOT NULL,
  handed TEXT NOT NULL,
  PRIMARY KEY (subscription, event)
);

CREATE INDEX idx_event_deliveries_at ON event_deliveries (at);
