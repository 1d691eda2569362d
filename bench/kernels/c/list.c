// Builds, searches, reverses and merge-sorts a linked list, n times: pointer chasing.
#define COUNT 1000
typedef struct node {
  struct node *next;
  int key, value;
} node;
static node nodes[COUNT];

static node *reverse(node *list) {
  node *result = 0;
  while (list) {
    node *next = list->next;
    list->next = result;
    result = list;
    list = next;
  }
  return result;
}

static node *merge(node *a, node *b) {
  node head, *tail = &head;
  while (a && b) {
    if (a->key <= b->key) tail->next = a, a = a->next;
    else tail->next = b, b = b->next;
    tail = tail->next;
  }
  tail->next = a ? a : b;
  return head.next;
}

static node *sort(node *list) {
  if (!list || !list->next) return list;
  node *slow = list, *fast = list->next;
  while (fast && fast->next) slow = slow->next, fast = fast->next->next;
  node *half = slow->next;
  slow->next = 0;
  node *left = sort(list);
  return merge(left, sort(half));
}

static node *find(node *list, int key) {
  while (list && list->key != key) list = list->next;
  return list;
}

__attribute__((export_name("run"))) int run(int n) {
  unsigned seed = 99, sum = 0;
  for (int round = 0; round < n; round++) {
    for (int i = 0; i < COUNT; i++) {
      seed = seed * 1664525u + 1013904223u;
      nodes[i].key = (int)(seed >> 20);
      nodes[i].value = i;
      nodes[i].next = i + 1 < COUNT ? &nodes[i + 1] : 0;
    }
    node *list = sort(reverse(nodes));
    for (int key = 0; key < 40; key++) {
      node *found = find(list, key * 101);
      sum = sum * 17 + (unsigned)(found ? found->value : -1);
    }
  }
  return (int)sum;
}
