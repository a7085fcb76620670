# Makes the services for one version of systemd and one place of their programs, because a systemd
# complains about keys that are newer than itself. Included by CMakeLists.txt and by the package, and a
# script for contrib/check:
#
#   cmake -DPORTREEVE_SYSTEMD_VERSION=252 -DPREFIX=/usr -DFOLDER=FOLDER -P service.cmake
set(PORTREEVE_SERVICES_IN ${CMAKE_CURRENT_LIST_DIR})

function(portreeve_make_services version sbindir libdir folder)
    set(fd_store_max 20480)
    if(version VERSION_LESS 253)
        string(JOIN "\n" type
            "Type=notify"
            "# The shell's own kill: the program is in a package that may be missing."
            "ExecReload=sh -c 'kill -HUP $MAINPID'")
    else()
        set(type "Type=notify-reload")
    endif()
    if(version VERSION_LESS 254)
        string(JOIN "\n" fd_store
            "# What systemd says by itself from version 254 on: the store is there."
            "Environment=FDSTORE=${fd_store_max}")
    else()
        string(JOIN "\n" fd_store
            "# Across a stop and a start, too."
            "FileDescriptorStorePreserve=yes")
    endif()
    foreach(service portreeve portreeve-ssh-config)
        configure_file(${PORTREEVE_SERVICES_IN}/${service}.service.in
            ${folder}/${service}.service @ONLY)
    endforeach()
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
    portreeve_make_services(${PORTREEVE_SYSTEMD_VERSION}
        ${PREFIX}/sbin ${PREFIX}/lib/portreeve ${FOLDER})
endif()
