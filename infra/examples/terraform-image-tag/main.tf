# The team's infrastructure. What changes for Slipway is marked.

resource "aws_ecs_task_definition" "shop" {
  family                   = "shop"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = "512"
  memory                   = "1024"
  execution_role_arn       = aws_iam_role.shop_execution.arn
  task_role_arn            = aws_iam_role.shop_task.arn

  # Before: image_tag = var.image_tag. Now it is the tag that ran when Slipway came, and stays so.
  container_definitions = templatefile("${path.module}/containers.json.tftpl", { image_tag = "main-0a1b2c3" })

  # New: a service may still run the revision that a change replaces.
  skip_destroy = true
}

resource "aws_ecs_service" "shop" {
  name            = "shop"
  cluster         = aws_ecs_cluster.prod.id
  task_definition = aws_ecs_task_definition.shop.arn
  desired_count   = 2
  launch_type     = "FARGATE"

  network_configuration {
    subnets = var.subnets
  }

  lifecycle {
    # New: images come from Slipway.
    ignore_changes = [task_definition]
  }
}

resource "aws_ecs_cluster" "prod" {
  name = "prod"
}

resource "aws_ecr_repository" "shop" {
  name = "shop"
}
