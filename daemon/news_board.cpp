#include "daemon/news_board.h"

namespace portreeve::daemon {

void NewsBoard::tell(const TunnelNews& happened) {
    for (NewsQueue* queue : queues_) {
        if (queue->wants(happened.kind)) {
            queue->tell(happened);
        }
    }
}

void NewsBoard::tell(const RefusalNews& happened, const Source& source, std::int64_t now_ms) {
    for (NewsQueue* queue : queues_) {
        if (queue->wants(conf::EventKind::refused)) {
            queue->tell(happened, source, now_ms);
        }
    }
}

}  // namespace portreeve::daemon
