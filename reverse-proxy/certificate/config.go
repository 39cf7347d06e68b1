package main

import "github.com/woodytoys/woodytoys/internal/settings"

// config is every setting, a line each: as a flag or from the environment, the flag first.
type config struct {
	settings.Server
	Source string `env:"WOODY_CERTIFICATE_FILE" default:"/run/secrets/certificate" placeholder:"FILE"`
	Folder string `env:"WOODY_CERTIFICATE_FOLDER" default:"/run/certificates" placeholder:"FOLDER"`
}

var commandLine = settings.Program{
	Name: "certificate",
	Description: "Has this node's proxy have the certificate that is in a file: it writes it where the proxy reads " +
		"it when it starts, and has one that runs take it without a restart.",
	Addr: ":8083",
	Help: map[string]string{
		"WOODY_CERTIFICATE_FILE": "The certificate with its key and chain, as PEM. It is read again when it changes.",
		"WOODY_CERTIFICATE_FOLDER": "The folder that the proxy calls CERTIFICATES: for certificate.pem, and where " +
			"its socket, proxy.sock, is.",
	},
}
