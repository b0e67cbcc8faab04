"""Stylizing buckets of photos with Apache Beam (extra `beam`)."""
