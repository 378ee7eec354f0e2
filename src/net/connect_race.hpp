// connect_race.hpp - a connection to the first of several addresses that answers (RFC 8305).
#pragma once

#include <span>
#include <vector>

#include "caraway/address.hpp"
#include "caraway/deadline.hpp"
#include "caraway/tcp.hpp"

namespace caraway::net {

// Reorders `all` so that the families take turns, the family of the first address first; within a
// family the order stays (RFC 8305 4).
std::vector<address> alternate_families(std::span<const address> all);

// How one address is tried.
using connector = result<tcp::stream_ptr> (*)(const address& to, deadline dl);

// Tries the addresses in order: the next one 250 ms after the last, or as soon as none is being
// tried any more. The first that answers wins, the others are given up. `all` is not empty. Blocks.
// The error of the first address that failed; ETIMEDOUT, ECANCELED.
result<tcp::stream_ptr> connect_first(std::span<const address> all, deadline dl,
                                      connector connect = tcp::try_connect);

}  // namespace caraway::net
