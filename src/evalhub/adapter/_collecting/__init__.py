"""What `evalhub.adapter.collector` consists of."""
