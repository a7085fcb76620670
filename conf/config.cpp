#include "conf/config.h"

namespace portreeve::conf {

std::string ConfigError::text() const {
    return file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + sentence;
}

}  // namespace portreeve::conf
