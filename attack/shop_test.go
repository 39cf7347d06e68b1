//go:build attack

package attack

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/woodytoys/woodytoys/internal/authority"
	"github.com/woodytoys/woodytoys/internal/programs"
	"github.com/woodytoys/woodytoys/internal/servers"
)

// AdminPassword is the password of the shop's first administrator, admin.
const AdminPassword = "correct horse battery staple"

// Shop is what is attacked: the proxy with TLS, replicas that share a database and Redis, and the front.
type Shop struct {
	Proxy     *programs.HAProxy
	Replicas  []*programs.Shop
	Front     *programs.Front
	Database  *servers.MariaDB
	DSN       string
	Redis     *servers.Redis
	Authority *authority.Authority
	// Certificates is the proxy's folder, and KeyFiles what WOODY_TOKEN_KEYS_FILES names, the first of which signs.
	Certificates string
	KeyFiles     []string
	// URL is where visitors come in, https://HOST:PORT, and Addr its HOST:PORT.
	URL, Addr string

	dir   string
	close []func()
}

// theShop is the one that all tests share: an attack is to leave it well.
var theShop *Shop

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	shop, err := StartShop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "the shop did not start (scripts/need mariadb redis haproxy):", err)
		return 1
	}
	defer shop.Close()
	theShop = shop
	return m.Run()
}

// StartShop starts a shop. The settings ("WOODY_X=…") are its replicas'.
func StartShop(settings ...string) (*Shop, error) {
	s := &Shop{}
	if err := s.start(settings); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Shop) start(settings []string) (err error) {
	if s.dir, err = os.MkdirTemp("", "woody-attack"); err != nil {
		return err
	}
	s.close = append(s.close, func() { os.RemoveAll(s.dir) })
	if err := s.startStores(); err != nil {
		return err
	}
	if err := s.makeSecrets(); err != nil {
		return err
	}
	if err := s.startPrograms(settings); err != nil {
		return err
	}
	cfg := programs.HAProxyConfig{Certificates: s.Certificates, Front: []string{s.Front.Addr}}
	for _, replica := range s.Replicas {
		cfg.API = append(cfg.API, replica.Addr())
	}
	if s.Proxy, err = programs.StartHAProxy(cfg); err != nil {
		return err
	}
	s.close = append(s.close, s.Proxy.Close)
	s.Addr, s.URL = s.Proxy.TLS, "https://"+s.Proxy.TLS
	return nil
}

func (s *Shop) startStores() (err error) {
	if s.Database, err = servers.StartMariaDB(); err != nil {
		return err
	}
	s.close = append(s.close, s.Database.Close)
	if s.DSN, err = s.Database.NewDatabase(); err != nil {
		return err
	}
	if s.Redis, err = servers.StartRedis(); err != nil {
		return err
	}
	s.close = append(s.close, s.Redis.Close)
	return nil
}

// makeSecrets makes what stage secure has as secrets: a certificate, two keys of tokens, and the administrator's
// password.
func (s *Shop) makeSecrets() (err error) {
	if s.Authority, err = authority.New(); err != nil {
		return err
	}
	s.Certificates = filepath.Join(s.dir, "certificates")
	if err := os.Mkdir(s.Certificates, 0o700); err != nil {
		return err
	}
	if err := s.Authority.WriteTo(s.Certificates, authority.Certificate{}); err != nil {
		return err
	}
	for _, name := range []string{"token_key", "token_key_next"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			return err
		}
		file := filepath.Join(s.dir, name)
		text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
		s.KeyFiles = append(s.KeyFiles, file)
	}
	return os.WriteFile(s.passwordFile(), []byte(AdminPassword), 0o600)
}

func (s *Shop) passwordFile() string { return filepath.Join(s.dir, "shop_admin_password") }

func (s *Shop) startPrograms(settings []string) error {
	api, front := filepath.Join(s.dir, "api"), filepath.Join(s.dir, "front")
	if err := errors.Join(programs.BuildShop(api), programs.BuildFront(front)); err != nil {
		return err
	}
	for i := range 2 {
		name := fmt.Sprintf("api-%d", i+1)
		replica, err := programs.StartShop(exec.Command(api), filepath.Join(s.dir, name+".log"), append([]string{
			"WOODY_REPLICA_ID=" + name, "WOODY_FRONT=off", "WOODY_DB_DSN=" + s.DSN, "WOODY_DB_DIRECT=on",
			"WOODY_REDIS_ADDR=" + s.Redis.Addr, "WOODY_ADMIN_ADDR=127.0.0.1:0",
			"WOODY_HEAVY_DELAY=10ms", "WOODY_SLOW_QUERY_DELAY=0", "WOODY_LOG_LEVEL=debug",
			"WOODY_TRUSTED_PROXIES=127.0.0.0/8",
			"WOODY_ACCOUNTS=on", "WOODY_TOKEN_KEYS_FILES=" + s.KeyFiles[0] + "," + s.KeyFiles[1],
			"WOODY_ADMIN_PASSWORD_FILE=" + s.passwordFile(),
			"WOODY_AUDIT_LOG=" + filepath.Join(s.dir, name+".audit"),
		}, settings...)...)
		if replica != nil {
			s.close = append(s.close, replica.Kill)
		}
		if err != nil {
			if replica != nil {
				err = fmt.Errorf("%w\n%s", err, replica.Log())
			}
			return err
		}
		s.Replicas = append(s.Replicas, replica)
	}
	var err error
	s.Front, err = programs.StartFront(exec.Command(front), filepath.Join(s.dir, "front.log"),
		"WOODY_API_URL="+s.Replicas[0].URL, "WOODY_ACCOUNTS=on")
	if s.Front != nil {
		s.close = append(s.close, s.Front.Kill)
	}
	return err
}

// AuditLogs are the files in which the replicas write the audit's stream.
func (s *Shop) AuditLogs() (files []string) {
	for i := range s.Replicas {
		files = append(files, filepath.Join(s.dir, fmt.Sprintf("api-%d.audit", i+1)))
	}
	return files
}

// Close ends the shop and removes its folder.
func (s *Shop) Close() {
	for i := len(s.close) - 1; i >= 0; i-- {
		s.close[i]()
	}
}
