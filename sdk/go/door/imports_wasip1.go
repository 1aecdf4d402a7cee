// Made from specs/doors by `python -m sdk.generate`; change it there.
// Code generated from specs/doors. DO NOT EDIT.

package door

//go:wasmimport extism:host/user log_write_v1
func logWriteV1(request uint64) uint64

//go:wasmimport extism:host/user config_get_v1
func configGetV1(request uint64) uint64

//go:wasmimport extism:host/user kv_get_v1
func kvGetV1(request uint64) uint64

//go:wasmimport extism:host/user kv_put_v1
func kvPutV1(request uint64) uint64

//go:wasmimport extism:host/user kv_delete_v1
func kvDeleteV1(request uint64) uint64

//go:wasmimport extism:host/user kv_list_v1
func kvListV1(request uint64) uint64

//go:wasmimport extism:host/user kv_cas_v1
func kvCasV1(request uint64) uint64

//go:wasmimport extism:host/user http_fetch_v1
func httpFetchV1(request uint64) uint64

//go:wasmimport extism:host/user events_publish_v1
func eventsPublishV1(request uint64) uint64

//go:wasmimport extism:host/user events_subscribe_v1
func eventsSubscribeV1(request uint64) uint64

//go:wasmimport extism:host/user events_unsubscribe_v1
func eventsUnsubscribeV1(request uint64) uint64

//go:wasmimport extism:host/user events_subscriptions_v1
func eventsSubscriptionsV1(request uint64) uint64

//go:wasmimport extism:host/user tasks_submit_v1
func tasksSubmitV1(request uint64) uint64

//go:wasmimport extism:host/user tasks_get_v1
func tasksGetV1(request uint64) uint64

//go:wasmimport extism:host/user tasks_list_v1
func tasksListV1(request uint64) uint64

//go:wasmimport extism:host/user tasks_cancel_v1
func tasksCancelV1(request uint64) uint64

//go:wasmimport extism:host/user memory_store_v1
func memoryStoreV1(request uint64) uint64

//go:wasmimport extism:host/user memory_recall_v1
func memoryRecallV1(request uint64) uint64

//go:wasmimport extism:host/user memory_get_v1
func memoryGetV1(request uint64) uint64

//go:wasmimport extism:host/user memory_forget_v1
func memoryForgetV1(request uint64) uint64

//go:wasmimport extism:host/user vectors_create_v1
func vectorsCreateV1(request uint64) uint64

//go:wasmimport extism:host/user vectors_upsert_v1
func vectorsUpsertV1(request uint64) uint64

//go:wasmimport extism:host/user vectors_search_v1
func vectorsSearchV1(request uint64) uint64

//go:wasmimport extism:host/user vectors_delete_v1
func vectorsDeleteV1(request uint64) uint64

//go:wasmimport extism:host/user connectors_list_v1
func connectorsListV1(request uint64) uint64

//go:wasmimport extism:host/user connectors_call_v1
func connectorsCallV1(request uint64) uint64

// One for each verb; the linker drops those that are not used.
var (
	LogWrite            = Verb{"log.write", logWriteV1}
	ConfigGet           = Verb{"config.get", configGetV1}
	ConfigAll           = Verb{"config.all", configGetV1}
	KVGet               = Verb{"kv.get", kvGetV1}
	KVPut               = Verb{"kv.put", kvPutV1}
	KVDelete            = Verb{"kv.delete", kvDeleteV1}
	KVList              = Verb{"kv.list", kvListV1}
	KVCAS               = Verb{"kv.cas", kvCasV1}
	HTTPFetch           = Verb{"http.fetch", httpFetchV1}
	EventsPublish       = Verb{"events.publish", eventsPublishV1}
	EventsSubscribe     = Verb{"events.subscribe", eventsSubscribeV1}
	EventsUnsubscribe   = Verb{"events.unsubscribe", eventsUnsubscribeV1}
	EventsSubscriptions = Verb{"events.subscriptions", eventsSubscriptionsV1}
	TasksSubmit         = Verb{"tasks.submit", tasksSubmitV1}
	TasksGet            = Verb{"tasks.get", tasksGetV1}
	TasksList           = Verb{"tasks.list", tasksListV1}
	TasksCancel         = Verb{"tasks.cancel", tasksCancelV1}
	MemoryStore         = Verb{"memory.store", memoryStoreV1}
	MemoryRecall        = Verb{"memory.recall", memoryRecallV1}
	MemoryGet           = Verb{"memory.get", memoryGetV1}
	MemoryForget        = Verb{"memory.forget", memoryForgetV1}
	VectorsCreate       = Verb{"vectors.create", vectorsCreateV1}
	VectorsUpsert       = Verb{"vectors.upsert", vectorsUpsertV1}
	VectorsSearch       = Verb{"vectors.search", vectorsSearchV1}
	VectorsDelete       = Verb{"vectors.delete", vectorsDeleteV1}
	ConnectorsList      = Verb{"connectors.list", connectorsListV1}
	ConnectorsCall      = Verb{"connectors.call", connectorsCallV1}
)
