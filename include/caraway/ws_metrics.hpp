// ws_metrics.hpp - what WebSocket sockets have counted, as metrics for Prometheus.
//
//     metrics_text page;
//     ws::write_metrics(page, server.totals());
//     answer(page.text());
#pragma once

#include "caraway/metrics_text.hpp"
#include "caraway/ws_meter.hpp"

namespace caraway::ws {

// Writes families caraway_websocket_... of all numbers in `t` to `page`, those of codes only for
// codes that have occurred. Once a page. Does not block.
void write_metrics(metrics_text& page, const totals& t);

}  // namespace caraway::ws
