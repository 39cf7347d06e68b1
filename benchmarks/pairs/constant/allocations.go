package constant

import (
	"runtime"
	"strconv"

	"github.com/gofiber/fiber/v2"
)

// AllocationsPath is where a measured server serves how many objects it has allocated so far.
const AllocationsPath = "/allocations"

// HandleAllocations serves AllocationsPath.
func HandleAllocations(c *fiber.Ctx) error {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return c.SendString(strconv.FormatUint(stats.Mallocs, 10))
}
