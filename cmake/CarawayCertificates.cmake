# Certificates for the tests of TLS, made anew by each build folder: no private key is in the tree.
# tests/tls/make_certificates.cpp says which there are.
set(caraway_certificates ${CMAKE_CURRENT_BINARY_DIR}/certificates)
if(CARAWAY_TLS AND NOT TARGET make_certificates)
  add_executable(make_certificates ${CMAKE_CURRENT_SOURCE_DIR}/tests/tls/make_certificates.cpp)
  target_link_libraries(make_certificates PRIVATE OpenSSL::Crypto caraway_flags)
  add_custom_command(OUTPUT ${caraway_certificates}/authority.pem
    COMMAND make_certificates ${caraway_certificates} DEPENDS make_certificates
    COMMENT "Making certificates for the tests" VERBATIM)
  add_custom_target(certificates DEPENDS ${caraway_certificates}/authority.pem)
endif()

# The program TARGET finds them in the folder CARAWAY_CERTIFICATES.
function(caraway_uses_certificates target)
  if(CARAWAY_TLS)
    add_dependencies(${target} certificates)
    target_compile_definitions(${target} PRIVATE CARAWAY_CERTIFICATES="${caraway_certificates}")
  endif()
endfunction()
