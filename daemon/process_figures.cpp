#include "daemon/process_figures.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace portreeve::daemon {
namespace {

// Linux 6.2 and newer have the number as the folder's size; before, its entries are counted, one of
// which is that of the counting.
std::uint64_t count_open_fds() {
    constexpr const char* kFolder = "/proc/self/fd";
    struct stat about {};
    if (::stat(kFolder, &about) == 0 && about.st_size > 0) {
        return static_cast<std::uint64_t>(about.st_size);
    }
    std::error_code error;
    std::uint64_t entries = 0;
    for (auto at = std::filesystem::directory_iterator(kFolder, error);
         !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
        ++entries;
    }
    return entries == 0 ? 0 : entries - 1;
}

}  // namespace

ProcessFigures ProcessFigures::now() {
    ProcessFigures figures;
    timespec cpu{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    figures.cpu_s = static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) * 1e-9;
    const auto page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    std::uint64_t virtual_pages = 0;
    std::uint64_t resident_pages = 0;
    std::ifstream("/proc/self/statm") >> virtual_pages >> resident_pages;
    figures.virtual_bytes = virtual_pages * page_bytes;
    figures.resident_bytes = resident_pages * page_bytes;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    figures.fds_max = limit.rlim_cur;
    figures.open_fds = count_open_fds();
    return figures;
}

}  // namespace portreeve::daemon
