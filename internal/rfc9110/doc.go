// Package rfc9110 is the rules of RFC 9110 for requests, as tables that tests check each server against: the front, the
// edge and the API, and each of them behind the proxy.
package rfc9110
