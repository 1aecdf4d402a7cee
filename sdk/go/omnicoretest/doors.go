package omnicoretest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"omnicore.example/sdk/door"
)

type reply = map[string]any

func (h *Host) known() map[string]Answer {
	return map[string]Answer{
		"log.write":      func(reply) (any, error) { return reply{}, nil },
		"events.publish": func(reply) (any, error) { return reply{"id": fmt.Sprintf("event-%d", len(h.Calls))}, nil },
		"config.get":     func(asked reply) (any, error) { return reply{"value": h.Settings[asked["key"].(string)]}, nil },
		"config.all":     func(reply) (any, error) { return reply{"values": h.Settings}, nil },
		"kv.get":         h.get,
		"kv.put":         h.put,
		"kv.cas":         h.cas,
		"kv.delete":      h.remove,
		"kv.list":        h.list,
	}
}

func (h *Host) get(asked reply) (any, error) {
	key := asked["key"].(string)
	value, there := h.Keys[key]
	if !there {
		return reply{"value": nil, "version": nil}, nil
	}
	return reply{"value": door.Bytes(value), "version": h.versions[key]}, nil
}

func (h *Host) put(asked reply) (any, error) {
	return reply{"version": h.write(asked)}, nil
}

func (h *Host) cas(asked reply) (any, error) {
	key := asked["key"].(string)
	_, there := h.Keys[key]
	expected, named := asked["expected"].(float64)
	if there != named || int64(expected) != h.versions[key] {
		var standing any
		if there {
			standing = h.versions[key]
		}
		return reply{"swapped": false, "version": standing}, nil
	}
	return reply{"swapped": true, "version": h.write(asked)}, nil
}

func (h *Host) write(asked reply) int64 {
	text, _ := json.Marshal(asked["value"]) // it came as JSON
	var value door.Bytes
	if err := json.Unmarshal(text, &value); err != nil {
		panic(err) // the kit wrote it
	}
	key := asked["key"].(string)
	h.last++
	h.Keys[key], h.versions[key] = string(value), h.last
	return h.last
}

func (h *Host) remove(asked reply) (any, error) {
	key := asked["key"].(string)
	_, there := h.Keys[key]
	delete(h.Keys, key)
	delete(h.versions, key)
	return reply{"deleted": there}, nil
}

func (h *Host) list(asked reply) (any, error) {
	prefix, _ := asked["prefix"].(string)
	after, _ := asked["cursor"].(string)
	limit, bounded := asked["limit"].(float64)
	if !bounded {
		limit = 100
	}
	found := []string{}
	for _, key := range slices.Sorted(maps.Keys(h.Keys)) {
		if !strings.HasPrefix(key, prefix) || after != "" && key <= after {
			continue
		}
		if len(found) == int(limit) {
			return reply{"keys": found, "cursor": found[len(found)-1]}, nil
		}
		found = append(found, key)
	}
	return reply{"keys": found, "cursor": nil}, nil
}
