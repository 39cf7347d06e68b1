package httpapi_test

import "testing"

func TestChangePassword(t *testing.T) {
	const fresh = "a toy box of beech"
	s := mustServeAccounts(t)
	other := s.as("ann")
	in := s.post("/api/session", credentials("ann", password))
	here := "Authorization: Bearer " + in.member("access_token")
	change := func(body, who string) reply {
		return s.call("PUT", "/api/account/password", body, who, "Content-Type: application/json")
	}
	good := `{"old":"` + password + `","new":"` + fresh + `"}`
	change(good, "X-Nothing: x").wantStatus(t, 401)
	change(`{"old":"not the right one","new":"`+fresh+`"}`, here).wantStatus(t, 403)
	for _, bad := range []string{
		``, `{}`, `{"old":"` + password + `"}`, `{"new":"` + fresh + `"}`, `{"old":"` + password + `","new":"short"}`,
		good[:len(good)-1] + `,"name":"admin"}`,
	} {
		change(bad, here).wantStatus(t, 400)
	}
	s.get("/api/account", other).wantStatus(t, 200)
	got := change(good, here)
	got.want(t, 204, "")
	got.wantPrivate(t)
	if !setCookie.MatchString(got.header.Get("Set-Cookie")) {
		t.Errorf("Set-Cookie: %q", got.header.Get("Set-Cookie"))
	}
	s.call("POST", "/api/session/renew", "", s.own(), in.cookie()).wantStatus(t, 401)
	s.call("POST", "/api/session/renew", "", s.own(), got.cookie()).wantStatus(t, 200)
	s.get("/api/account", here).wantStatus(t, 200)
	s.get("/api/account", other).wantStatus(t, 401)
	s.post("/api/session", credentials("ann", password)).wantStatus(t, 401)
	s.post("/api/session", credentials("ann", fresh)).wantStatus(t, 200)
}

func TestDeleteOwnAccount(t *testing.T) {
	s := mustServeAccounts(t)
	ann, admin := s.as("ann"), s.as("admin")
	remove := func(body string, headers ...string) reply {
		return s.call("DELETE", "/api/account", body, append(headers, "Content-Type: application/json")...)
	}
	good := `{"password":"` + password + `"}`
	remove(good).wantStatus(t, 401)
	remove(`{"password":"not the right one"}`, ann).wantStatus(t, 403)
	remove(``, ann).wantStatus(t, 400)
	remove(`{"password":"`+password+`","id":"`+s.signedIn("admin").Account.ID+`"}`, ann).wantStatus(t, 400)
	got := remove(good, admin)
	got.wantStatus(t, 409)
	if got.member("type") != "/api/docs#needed" {
		t.Errorf("the only administrator: %s", got.body)
	}
	got = remove(good, ann)
	got.want(t, 204, "")
	if got.header.Get("Set-Cookie") != goneCookie {
		t.Errorf("Set-Cookie: %q", got.header.Get("Set-Cookie"))
	}
	s.get("/api/account", ann).wantStatus(t, 401)
	s.post("/api/session", credentials("ann", password)).wantStatus(t, 401)
	s.get("/api/account", admin).wantStatus(t, 200)
}
