package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/woodytoys/woodytoys/benchmarks/pairs/replica"
	"github.com/woodytoys/woodytoys/benchmarks/pairs/versus"
)

// tokenLife is how long an access token is good: a comparison must be shorter.
const tokenLife = 5 * time.Minute

// hitsByToken compares a read that the API's near cache has, sent with a token that is known, with the same read
// without one.
func hitsByToken(b versus.Bench, program, dir string) error {
	if took := time.Duration(2*b.Pairs+2) * b.Each; took > tokenLife-10*time.Second {
		return fmt.Errorf("%d pairs of %v each take %v, and a token is good for %v", b.Pairs, b.Each, took, tokenLife)
	}
	const password = "a toy box of oak"
	file := filepath.Join(dir, "admin_password")
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		return err
	}
	api, shop, err := replica.Start(program, dir, "token", "WOODY_ACCOUNTS=on", "WOODY_ADMIN_PASSWORD_FILE="+file)
	if err != nil {
		return err
	}
	defer shop.Kill()
	for _, accept := range []string{"text/plain", "application/json"} {
		token, err := signIn(shop.URL, "admin", password)
		if err != nil {
			return err
		}
		without := api.Asking("without a token", "/api/products/1")
		without.Target.Header = "Accept: " + accept + "\r\n"
		with := api.Asking("with a known token", "/api/products/1")
		with.Target.Header = without.Target.Header + "Authorization: Bearer " + token + "\r\n"
		title := "A hit in " + accept + ", a known token against none (0.8 or more of its answers/s is asked for)"
		if _, _, err := b.Compare(title, with, without); err != nil {
			return err
		}
	}
	return nil
}

// signIn returns an access token.
func signIn(url, name, password string) (string, error) {
	body, err := json.Marshal(map[string]string{"name": name, "password": password})
	if err != nil {
		return "", err
	}
	response, err := http.Post(url+"/api/session", "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var session struct {
		AccessToken string `json:"access_token"`
	}
	err = json.NewDecoder(response.Body).Decode(&session)
	if err == nil && session.AccessToken == "" {
		err = errors.New(response.Status)
	}
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	return session.AccessToken, nil
}
