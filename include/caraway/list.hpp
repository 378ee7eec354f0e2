// list.hpp - a doubly linked list through its members.
//
// A node knows how to leave the list it is in without knowing which list that is; a list is a ring
// through a node of its own. Nothing is allocated, nothing is owned.
#pragma once

namespace caraway {

class list_node {
 public:
  list_node() noexcept = default;
  list_node(const list_node&) = delete;
  list_node& operator=(const list_node&) = delete;
  ~list_node() { unlink(); }

  bool linked() const noexcept { return next_ != this; }

  // Leaves its list; nothing happens if it is in none.
  void unlink() noexcept {
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = this;
  }

 private:
  template <class T>
  friend class list;

  void insert_before(list_node& position) noexcept {
    prev_ = position.prev_;
    next_ = &position;
    prev_->next_ = this;
    position.prev_ = this;
  }

  list_node* prev_ = this;
  list_node* next_ = this;
};

// T derives from list_node. A node is in one list at a time.
template <class T>
class list {
 public:
  bool empty() const noexcept { return !ring_.linked(); }
  T& front() noexcept { return static_cast<T&>(*ring_.next_); }
  void push_back(T& node) noexcept { static_cast<list_node&>(node).insert_before(ring_); }
  void push_front(T& node) noexcept { static_cast<list_node&>(node).insert_before(*ring_.next_); }
  T& pop_front() noexcept {
    T& node = front();
    static_cast<list_node&>(node).unlink();
    return node;
  }
  // Moves everything of `other` behind what is here.
  void splice_back(list& other) noexcept {
    while (!other.empty()) push_back(other.pop_front());
  }
  // Forgets all nodes without touching them: their memory may be gone.
  void abandon() noexcept { ring_.prev_ = ring_.next_ = &ring_; }
  // Calls f(T&) for each, front to back; f may unlink the node it is given.
  template <class F>
  void for_each(F f) {
    for (list_node* n = ring_.next_; n != &ring_;) {
      list_node* next = n->next_;
      f(static_cast<T&>(*n));
      n = next;
    }
  }

 private:
  list_node ring_;
};

}  // namespace caraway
