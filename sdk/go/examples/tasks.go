// Lets the host call a function later. Needs a grant for tasks with the function.
package main

import (
	omnicore "omnicore.example/sdk"
	"omnicore.example/sdk/tasks"
)

// Reminder is a text and when to send it.
type Reminder struct {
	Text  string  `json:"text"`
	After float64 `json:"after_s" min:"0"`
}

// Remind submits a task and gives its id. The same text twice is one task.
//
//omnicore:export
func Remind(reminder Reminder) (string, error) {
	return tasks.Submit("mail.send", &tasks.SubmitOptions{
		Input:        map[string]any{"text": reminder.Text},
		DelaySeconds: omnicore.Some(reminder.After),
		Key:          "remind:" + reminder.Text,
	})
}

// Waiting gives the ids of the tasks that did not begin yet.
//
//omnicore:export
func Waiting() ([]string, error) {
	page, err := tasks.List(&tasks.ListOptions{State: tasks.StateWaiting})
	ids := []string{}
	for _, task := range page.Tasks {
		ids = append(ids, task.ID)
	}
	return ids, err
}
