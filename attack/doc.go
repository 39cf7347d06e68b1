// Package attack attacks a whole shop, with the proxy that ships, as it is in stage secure: `make attack`. Each attack
// is to end in its clear refusal, while others are served as if there were none. All traffic goes to this machine.
package attack
