//go:build !broken

package cache

// fenceOff is true only under the build tag `broken`, with which the tests prove that they see
// what the fence prevents.
const fenceOff = false
