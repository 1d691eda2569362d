// In the place of the compiler's `rt/index-incremental`: its collector, over an allocator of our own.
import "./blocks";
import "rt/itcms";
