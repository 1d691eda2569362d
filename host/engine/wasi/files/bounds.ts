/** Bytes of UTF-8 in one path, as `PATH_MAX` less its terminator. */
export const pathBytesMax = 4095;
/** Bytes of UTF-8 in one component, as `NAME_MAX`. */
export const nameBytesMax = 255;
/** Directories held open at once while a path is walked; each is a host handle. */
export const pathDepthMax = 256;
/** Symbolic links followed in one path, as Linux does. */
export const symlinksMax = 40;
/** Directories entered before other agents get the thread: links to long paths make one walk 80,000 steps. */
export const stepsPerTurn = 256;
/** Bytes of one read. */
export const readBytesMax = 1_048_576;
/** Bytes of one write. */
export const writeBytesMax = 1_048_576;
/** Bytes of one read or write done on the thread itself; more goes to the thread pool. */
export const quickBytesMax = 262_144;
/** Entries of one directory page. */
export const directoryEntriesMax = 256;
/** A file that appears and vanishes between two steps is tried so often before the guest is told `busy`. */
export const openAttemptsMax = 8;
