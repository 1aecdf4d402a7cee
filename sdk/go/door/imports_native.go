// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

//go:build !wasip1

package door

// One for each verb; the linker drops those that are not used.
var (
	LogWrite            = Verb{Name: "log.write"}
	ConfigGet           = Verb{Name: "config.get"}
	ConfigAll           = Verb{Name: "config.all"}
	KVGet               = Verb{Name: "kv.get"}
	KVPut               = Verb{Name: "kv.put"}
	KVDelete            = Verb{Name: "kv.delete"}
	KVList              = Verb{Name: "kv.list"}
	KVCAS               = Verb{Name: "kv.cas"}
	HTTPFetch           = Verb{Name: "http.fetch"}
	EventsPublish       = Verb{Name: "events.publish"}
	EventsSubscribe     = Verb{Name: "events.subscribe"}
	EventsUnsubscribe   = Verb{Name: "events.unsubscribe"}
	EventsSubscriptions = Verb{Name: "events.subscriptions"}
	TasksSubmit         = Verb{Name: "tasks.submit"}
	TasksGet            = Verb{Name: "tasks.get"}
	TasksList           = Verb{Name: "tasks.list"}
	TasksCancel         = Verb{Name: "tasks.cancel"}
	MemoryStore         = Verb{Name: "memory.store"}
	MemoryRecall        = Verb{Name: "memory.recall"}
	MemoryGet           = Verb{Name: "memory.get"}
	MemoryForget        = Verb{Name: "memory.forget"}
	VectorsCreate       = Verb{Name: "vectors.create"}
	VectorsUpsert       = Verb{Name: "vectors.upsert"}
	VectorsSearch       = Verb{Name: "vectors.search"}
	VectorsDelete       = Verb{Name: "vectors.delete"}
	ConnectorsList      = Verb{Name: "connectors.list"}
	ConnectorsCall      = Verb{Name: "connectors.call"}
)
