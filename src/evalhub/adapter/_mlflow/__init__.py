"""The MLflow client and what it saves; the face is `evalhub.adapter.mlflow`."""
