-- Plugins by state: how many there are of each is read from the index alone, as are the pages of one state.

CREATE INDEX plugins_state ON plugins (state, name) WHERE present = 1;
