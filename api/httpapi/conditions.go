package httpapi

import (
	"github.com/gofiber/fiber/v2"

	"github.com/woodytoys/woodytoys/api/shop"
	"github.com/woodytoys/woodytoys/cache/conditional"
)

// Conditions (RFC 9110 section 13) are held against what a request asks for after all that would refuse the request
// without them: its address, its body, its name. A product's are held in the transaction of the write.

// errCondition is the answer 412.
var errCondition = &shop.Error{Kind: shop.Changed, Detail: sentences[fiber.StatusPreconditionFailed]}

// readConditions writes 304 or returns an error if the conditions of a read want no answer with the entity tag, which
// may be empty. done reports that the response is written.
func readConditions(c *fiber.Ctx, etag []byte) (done bool, err error) {
	switch conditional.Read(&c.Request().Header, conditional.State{ETag: etag}) {
	case conditional.Failed:
		return false, errCondition
	case conditional.NotModified:
		c.Status(fiber.StatusNotModified)
		return true, nil
	}
	return false, nil
}

// The targets of the writes that have no state of their own: a list exists, but no addition can hold on to the pages
// that its entity tags are of; the other addresses have nothing that could be read.
var (
	theList    = conditional.State{}
	nothingYet = conditional.State{Absent: true}
)

// writeConditions returns an error unless the conditions of a write allow it.
func writeConditions(c *fiber.Ctx, target conditional.State) error {
	if conditional.Write(&c.Request().Header, target) == conditional.Failed {
		return errCondition
	}
	return nil
}

// productConditions returns the request's conditions for a write to a product. An entity tag counts that an answer has
// which shows the product as it is, in JSON or in text.
func productConditions(c *fiber.Ctx) shop.Condition {
	return func(current *shop.Product) error {
		if current == nil {
			return writeConditions(c, nothingYet)
		}
		inJSON, err := productIn(asJSON, *current)
		if err != nil {
			return err
		}
		inText, err := productIn(text, *current)
		if err != nil {
			return err
		}
		return writeConditions(c, conditional.State{
			ETag:   inJSON.appendETag(make([]byte, 0, etagSize)),
			Others: [][]byte{inText.appendETag(make([]byte, 0, etagSize))},
		})
	}
}
