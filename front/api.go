package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/woodytoys/woodytoys/front/site"
	"github.com/woodytoys/woodytoys/internal/money"
)

const (
	apiTimeout  = 1500 * time.Millisecond
	maxListSize = 1 << 20
)

// api reads the shelf from the shop's API.
type api struct {
	listURL string
	client  http.Client
}

func newAPI(baseURL string) *api {
	return &api{
		listURL: strings.TrimRight(baseURL, "/") + "/api/products?limit=100",
		client:  http.Client{Timeout: apiTimeout},
	}
}

// toys returns the shelf, newest first. An API that is away, slow or unwell is an error, soon.
func (a *api) toys(ctx context.Context) ([]site.Toy, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.listURL, nil)
	if err != nil {
		return nil, fmt.Errorf("read the toys: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := a.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("read the toys: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read the toys: the API answers %s", response.Status)
	}
	toys, err := decodeToys(io.LimitReader(response.Body, maxListSize))
	if err != nil {
		return nil, fmt.Errorf("read the toys: %w", err)
	}
	return toys, nil
}

func decodeToys(r io.Reader) ([]site.Toy, error) {
	var list struct {
		Products []struct {
			ID      int64  `json:"id"`
			Name    string `json:"name"`
			Version int64  `json:"version"`
			Stock   *int64 `json:"stock"`
			Price   *struct {
				Amount   int64  `json:"amount"`
				Currency string `json:"currency"`
			} `json:"price"`
		} `json:"products"`
	}
	if err := json.NewDecoder(r).Decode(&list); err != nil {
		return nil, err
	}
	if list.Products == nil {
		return nil, errors.New(`the answer has no "products"`)
	}
	toys := make([]site.Toy, len(list.Products))
	for i, p := range list.Products {
		toys[i] = site.Toy{ID: p.ID, Name: p.Name, Version: p.Version}
		if p.Stock != nil {
			toys[i].Counted, toys[i].Left = true, *p.Stock
		}
		if p.Price != nil {
			toys[i].Price = money.Format(p.Price.Amount, p.Price.Currency)
		}
	}
	slices.SortFunc(toys, func(a, b site.Toy) int { return cmp.Compare(b.ID, a.ID) })
	return toys, nil
}
