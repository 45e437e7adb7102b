# The team's infrastructure. What changes for Slipway is marked.

locals {
  environments = toset(["staging", "production"])
}

resource "aws_ecs_task_definition" "web" {
  for_each                 = local.environments
  family                   = "${each.key}-web"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = "512"
  memory                   = "1024"
  execution_role_arn       = aws_iam_role.shop_execution.arn
  task_role_arn            = aws_iam_role.shop_task.arn
  container_definitions    = templatefile("${path.module}/web.json.tftpl", { environment = each.key })

  # New: a service may still run the revision that a change replaces.
  skip_destroy = true
}

resource "aws_ecs_task_definition" "sidekiq" {
  for_each                 = local.environments
  family                   = "${each.key}-sidekiq"
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = "512"
  memory                   = "1024"
  execution_role_arn       = aws_iam_role.shop_execution.arn
  task_role_arn            = aws_iam_role.shop_task.arn
  container_definitions    = templatefile("${path.module}/sidekiq.json.tftpl", { environment = each.key })

  # New, as above.
  skip_destroy = true
}

resource "aws_ecs_service" "web" {
  for_each        = local.environments
  name            = "web"
  cluster         = aws_ecs_cluster.shop[each.key].id
  task_definition = aws_ecs_task_definition.web[each.key].arn
  desired_count   = 2
  launch_type     = "FARGATE"

  deployment_controller {
    type = "CODE_DEPLOY"
  }

  network_configuration {
    subnets = var.subnets
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.blue[each.key].arn
    container_name   = "web"
    container_port   = 3000
  }

  lifecycle {
    # CodeDeploy changes both.
    ignore_changes = [task_definition, load_balancer]
  }
}

# Behind no load balancer, and so nothing for CodeDeploy: ECS replaces its tasks.
resource "aws_ecs_service" "sidekiq" {
  for_each        = local.environments
  name            = "sidekiq"
  cluster         = aws_ecs_cluster.shop[each.key].id
  task_definition = aws_ecs_task_definition.sidekiq[each.key].arn
  desired_count   = 1
  launch_type     = "FARGATE"

  network_configuration {
    subnets = var.subnets
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  lifecycle {
    # Images come from elsewhere.
    ignore_changes = [task_definition]
  }
}

resource "aws_codedeploy_app" "web" {
  for_each         = local.environments
  name             = "AppECS-${each.key}-web"
  compute_platform = "ECS"
}

resource "aws_codedeploy_deployment_group" "web" {
  for_each               = local.environments
  app_name               = aws_codedeploy_app.web[each.key].name
  deployment_group_name  = "DgpECS-${each.key}-web"
  deployment_config_name = "CodeDeployDefault.ECSAllAtOnce"
  service_role_arn       = aws_iam_role.codedeploy.arn

  ecs_service {
    cluster_name = aws_ecs_cluster.shop[each.key].name
    service_name = aws_ecs_service.web[each.key].name
  }

  deployment_style {
    deployment_type   = "BLUE_GREEN"
    deployment_option = "WITH_TRAFFIC_CONTROL"
  }

  blue_green_deployment_config {
    deployment_ready_option {
      action_on_timeout = "CONTINUE_DEPLOYMENT"
    }

    terminate_blue_instances_on_deployment_success {
      action                           = "TERMINATE"
      termination_wait_time_in_minutes = 60
    }
  }

  auto_rollback_configuration {
    enabled = true
    events  = ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM"]
  }

  alarm_configuration {
    enabled = true
    alarms  = ["${each.key}-web-5xx"]
  }

  load_balancer_info {
    target_group_pair_info {
      prod_traffic_route {
        listener_arns = [aws_lb_listener.web[each.key].arn]
      }

      target_group {
        name = "${each.key}-web-blue"
      }

      target_group {
        name = "${each.key}-web-green"
      }
    }
  }
}

resource "aws_ecs_cluster" "shop" {
  for_each = local.environments
  name     = each.key
}

resource "aws_ecr_repository" "app" {
  name = "shop/app"

  # New: the SHA of a commit means the same image for ever, and only these two tags may move. It takes version 6.8 of the provider.
  image_tag_mutability = "IMMUTABLE_WITH_EXCLUSION"

  image_tag_mutability_exclusion_filter {
    filter      = "latest"
    filter_type = "WILDCARD"
  }

  image_tag_mutability_exclusion_filter {
    filter      = "production"
    filter_type = "WILDCARD"
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}
