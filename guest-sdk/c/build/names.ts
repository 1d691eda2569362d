const keywords = `auto break case char const continue default do double else enum extern float for goto if inline int
  long register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
  asm typeof alignas alignof bool complex constexpr false generic imaginary linux noreturn nullptr static_assert
  thread_local true typeof_unqual unix assert errno i386 isnan isinf offsetof signbit stderr stdin stdout va_arg va_end va_start`;

/** Names with an underscore that a libc header may declare, besides those ending in `_t`. */
const libcNames = `aligned_alloc clock_getres clock_gettime clock_nanosleep clock_settime clock_getcpuclockid
  pthread_create pthread_join pthread_exit pthread_self pthread_equal pthread_cancel pthread_detach sched_yield
  posix_fadvise posix_fallocate posix_memalign random_get sem_open sem_close sem_post sem_wait sem_unlink
  shm_open shm_unlink timer_create timer_delete timer_gettime timer_settime inet_addr inet_ntoa inet_ntop inet_pton
  mq_open mq_close mq_send mq_receive aio_read aio_write aio_error aio_return aio_cancel dl_iterate_phdr`;

const libcTypes = `bool size ssize ptrdiff wchar wint time clock off mode pid uid gid dev ino nlink blksize blkcnt fpos div
  ldiv lldiv imaxdiv max_align mbstate va_list clockid timer suseconds useconds sigset id key nfds socklen sa_family
  in_addr in_port int8 int16 int32 int64 uint8 uint16 uint32 uint64 intmax uintmax intptr uintptr float double
  locale regex regoff regmatch glob fd iconv nl_catd wctype wctrans wordexp pthread char16 char32 char8 errno`;

const words = (text: string): string[] => text.trim().split(/\s+/);
const keywordSet: ReadonlySet<string> = new Set(words(keywords));

/** Names nothing generated may have: C's own, the helper headers', and the C library's. */
const reserved: readonly string[] = [
  ...keywordSet,
  ...words(libcNames),
  ...words(libcTypes).map((name) => `${name}_t`),
  ...words(
    'string_t string_of string_copy string_clone string_format string_equals string_free string_append memory_free',
  ),
  ...words(
    'memory_resize cabi_realloc reply_text reply_string reply_bytes reply_none fail fail_invalid fail_denied',
  ),
  ...words('fail_unsupported fail_unavailable fail_timed_out fail_other log_at log_trace log_debug log_info'),
  ...words('log_warn log_error'),
];

/** `kebab-case` as C writes it: `kebab_case`. */
export function snakeCase(name: string): string {
  return name.toLowerCase().replaceAll('-', '_');
}

/** A scope of C identifiers: each name is given out once. */
export class Scope {
  readonly #taken: Set<string>;

  private constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  /** What all files of a program share. */
  static file(): Scope {
    return new Scope(reserved);
  }

  /** The members of one struct, or the parameters of one function. */
  static inner(taken: readonly string[] = []): Scope {
    return new Scope([...keywordSet, ...taken]);
  }

  /** The name itself, or the next free one of `name_`, `name_2`, `name_3`. */
  claim(name: string): string {
    let free = name;
    for (let count = 1; this.#taken.has(free); count += 1)
      free = count === 1 ? `${name}_` : `${name}_${count}`;
    this.#taken.add(free);
    return free;
  }
}
