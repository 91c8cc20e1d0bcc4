#!/bin/sh
# Makes the certificates that tests of TLS serve with. They lie beside this script, so that tests need
# no openssl, and are good from 2020 to 2120, whatever a machine's clock says: only `expired` is not.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > ca.cnf <<'CONFIG'
[ca]
default_ca = authority
[authority]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
CONFIG
touch index.txt
echo 01 > serial

new_key() { # name, common name
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
    -keyout "$1.key" -out "$1.csr" -subj "/CN=$2" 2> /dev/null
}

sign() { # name, first day, last day, further options of openssl ca
  name=$1 first=$2 last=$3
  shift 3
  openssl ca -batch -notext -config ca.cnf -in "$name.csr" -out "$name.pem" \
    -startdate "$first" -enddate "$last" -extfile "$name.ext" "$@" 2> /dev/null
}

new_key ca "aiotest test authority"
printf 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n' > ca.ext
sign ca 20200101000000Z 21200101000000Z -selfsign -keyfile ca.key
cp ca.pem "$here"

server() { # name, subjectAltName, first day, last day
  new_key "$1" "$1"
  printf 'subjectAltName=%s\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n' "$2" > "$1.ext"
  sign "$1" "$3" "$4" -cert ca.pem -keyfile ca.key
  cp "$1.pem" "$1.key" "$here"
}

server good IP:127.0.0.1,DNS:localhost 20200101000000Z 21200101000000Z
server expired IP:127.0.0.1,DNS:localhost 20200101000000Z 20210101000000Z
server wrong_host DNS:other.test 20200101000000Z 21200101000000Z

# The kind that `openssl req -x509` makes: its own authority.
new_key self_signed self_signed
printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=critical,CA:TRUE\n' > self_signed.ext
sign self_signed 20200101000000Z 21200101000000Z -selfsign -keyfile self_signed.key
cp self_signed.pem self_signed.key "$here"

# Clients, for servers that require a certificate.
client() { # name, further options of openssl ca
  name=$1
  shift
  new_key "$name" "$name"
  openssl ca -batch -notext -config ca.cnf -in "$name.csr" -out "$name.pem" \
    -startdate 20200101000000Z -enddate 21200101000000Z "$@" 2> /dev/null
  cp "$name.pem" "$name.key" "$here"
}

printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n' > client.ext
client client -extfile client.ext -cert ca.pem -keyfile ca.key
# Without extensions, it is a certificate of version 1, as many instructions for openssl make it.
client client_v1 -cert ca.pem -keyfile ca.key
client client_stranger -extfile client.ext -selfsign -keyfile client_stranger.key
openssl pkcs8 -topk8 -in client.key -out "$here/client_encrypted.key" -passout pass:secret
