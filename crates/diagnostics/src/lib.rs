//! Findings, traces and plans to text, JSON and annotations
