#include "conf/config.h"

#include <gtest/gtest.h>

namespace portreeve::conf {

TEST(ConfigError, NamesFileLineAndColumn) {
    EXPECT_EQ((ConfigError{"a.toml", 3, 7, "what is wrong"}.text()), "a.toml:3:7: what is wrong");
}

}  // namespace portreeve::conf
