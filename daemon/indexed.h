// A list whose items know their place in it, as `index`, so that any of them is taken out at once,
// however many there are; the last one takes its place.
//
// Owns: nothing. Called by: whoever has such a list. Bounds: none needed.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace portreeve::daemon {

template <class Item>
[[nodiscard]] std::unique_ptr<Item> take_indexed(std::vector<std::unique_ptr<Item>>& items,
                                                 std::size_t index) {
    std::unique_ptr<Item> taken = std::exchange(items[index], nullptr);
    if (index + 1 < items.size()) {
        items[index] = std::move(items.back());
        items[index]->index = index;
    }
    items.pop_back();
    return taken;
}

}  // namespace portreeve::daemon
