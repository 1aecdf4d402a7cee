// Writes lines to the plugin's log; nobody has to grant that.
package main

import "omnicore.example/sdk/log"

// Order is what somebody buys.
type Order struct {
	Item  string `json:"item" doc:"what is bought"`
	Count int    `json:"count" min:"1" max:"100" default:"1" doc:"how many"`
}

// Place takes an order and says so in the log.
//
//omnicore:export
func Place(order Order) string {
	log.Info("an order came", "item", order.Item, "count", order.Count)
	if order.Count > 50 {
		log.Warn("that is a lot")
	}
	return "thank you"
}
