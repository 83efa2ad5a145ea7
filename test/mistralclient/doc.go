// Package mistralclient runs the command `mistral` of python-mistralclient, as the distribution ships it, against a real server
// with Keystone's authentication: each of its sub-commands at least once, with the results checked. `make client-test` runs it.
package mistralclient
