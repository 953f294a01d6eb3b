//! Blob stores, and what only some of them have.

mod directory_only;
mod s3_broken;
mod s3_only;

mod memory {
    understudy_testkit::blob_suite!(understudy_tests::blobs::memory);
}

mod objects {
    understudy_testkit::blob_suite!(understudy_tests::blobs::objects);
}

mod directory {
    understudy_testkit::blob_suite!(understudy_tests::blobs::directory);
}

mod s3s {
    understudy_testkit::blob_suite!(understudy_tests::blobs::s3s);
}

mod moto {
    understudy_testkit::blob_suite!(understudy_tests::blobs::moto);
}
