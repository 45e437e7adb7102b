# The team's infrastructure as it stands. Nothing in it changes for Slipway.

resource "aws_ecs_service" "checkout" {
  name            = "checkout"
  cluster         = aws_ecs_cluster.prod.id
  task_definition = "checkout"
  desired_count   = 2
  launch_type     = "FARGATE"

  deployment_controller {
    type = "CODE_DEPLOY"
  }

  network_configuration {
    subnets         = var.subnets
    security_groups = [aws_security_group.checkout.id]
  }

  load_balancer {
    target_group_arn = aws_lb_target_group.blue.arn
    container_name   = "checkout"
    container_port   = 8080
  }

  lifecycle {
    # CodeDeploy changes both.
    ignore_changes = [task_definition, load_balancer]
  }
}

resource "aws_codedeploy_app" "shop" {
  name             = "shop"
  compute_platform = "ECS"
}

resource "aws_codedeploy_deployment_group" "checkout" {
  app_name               = aws_codedeploy_app.shop.name
  deployment_group_name  = "checkout"
  deployment_config_name = "CodeDeployDefault.ECSAllAtOnce"
  # Moves the traffic, and calls the hooks' functions.
  service_role_arn = aws_iam_role.codedeploy.arn

  ecs_service {
    cluster_name = aws_ecs_cluster.prod.name
    service_name = aws_ecs_service.checkout.name
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
    events  = ["DEPLOYMENT_FAILURE"]
  }

  load_balancer_info {
    target_group_pair_info {
      prod_traffic_route {
        listener_arns = [aws_lb_listener.checkout.arn]
      }

      test_traffic_route {
        listener_arns = [aws_lb_listener.checkout_test.arn]
      }

      target_group {
        name = "checkout-blue"
      }

      target_group {
        name = "checkout-green"
      }
    }
  }
}

resource "aws_ecs_cluster" "prod" {
  name = "prod"
}

resource "aws_ecr_repository" "checkout" {
  name                 = "shop/checkout"
  image_tag_mutability = "IMMUTABLE"
}
